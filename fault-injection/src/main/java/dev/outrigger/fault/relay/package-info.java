/** Ports whose connections are passed on through toxics, without a mesh around them. */
@NullMarked
package dev.outrigger.fault.relay;

import org.jspecify.annotations.NullMarked;
