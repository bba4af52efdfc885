/** Experiments with a start, an end and a stop button. */
@NullMarked
package dev.outrigger.controlplane.chaos;

import org.jspecify.annotations.NullMarked;
