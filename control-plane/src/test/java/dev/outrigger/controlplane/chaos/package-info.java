@NullMarked
package dev.outrigger.controlplane.chaos;

import org.jspecify.annotations.NullMarked;
