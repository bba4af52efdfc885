@org.jspecify.annotations.NullMarked
package dev.outrigger.cli;
