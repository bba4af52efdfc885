/** Faults in the bytes of one connection. */
@NullMarked
package dev.outrigger.fault.toxic;

import org.jspecify.annotations.NullMarked;
