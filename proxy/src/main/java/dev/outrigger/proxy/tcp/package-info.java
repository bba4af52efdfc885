/** Bytes without understanding. */
@NullMarked
package dev.outrigger.proxy.tcp;

import org.jspecify.annotations.NullMarked;
