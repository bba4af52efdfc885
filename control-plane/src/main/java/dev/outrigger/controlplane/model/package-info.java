/** Desired state: what people write about their mesh, as immutable records without any xDS. */
@NullMarked
package dev.outrigger.controlplane.model;

import org.jspecify.annotations.NullMarked;
