/** Heads and headers as values. */
@NullMarked
package dev.outrigger.proxy.message;

import org.jspecify.annotations.NullMarked;
