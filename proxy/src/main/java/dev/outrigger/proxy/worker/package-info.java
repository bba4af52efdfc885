/** The event loops, what they own and what crosses between them. */
@NullMarked
package dev.outrigger.proxy.worker;

import org.jspecify.annotations.NullMarked;
