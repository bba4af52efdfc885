/** Faults as values and the pure decision whom they hit. Nothing but the JDK. */
@NullMarked
package dev.outrigger.fault;

import org.jspecify.annotations.NullMarked;
