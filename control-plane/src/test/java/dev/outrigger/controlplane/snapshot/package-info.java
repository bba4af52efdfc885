@NullMarked
package dev.outrigger.controlplane.snapshot;

import org.jspecify.annotations.NullMarked;
