/** Buffers that nobody released fail the test class that made them. */
@NullMarked
package dev.outrigger.proxy.leak;

import org.jspecify.annotations.NullMarked;
