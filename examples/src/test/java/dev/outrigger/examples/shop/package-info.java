@NullMarked
package dev.outrigger.examples.shop;

import org.jspecify.annotations.NullMarked;
