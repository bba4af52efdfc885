/** The wiring of the control plane, by hand. */
@NullMarked
package dev.outrigger.controlplane;

import org.jspecify.annotations.NullMarked;
