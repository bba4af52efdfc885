/** What an exchange came to, and what is said to the caller when it failed. */
@NullMarked
package dev.outrigger.proxy.outcome;

import org.jspecify.annotations.NullMarked;
