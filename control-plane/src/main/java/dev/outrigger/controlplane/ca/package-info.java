/** The authority that gives every workload its short-lived certificate. */
@NullMarked
package dev.outrigger.controlplane.ca;

import org.jspecify.annotations.NullMarked;
