/** The map of the data plane: everything is wired here, by hand. */
@NullMarked
package dev.outrigger.proxy;

import org.jspecify.annotations.NullMarked;
