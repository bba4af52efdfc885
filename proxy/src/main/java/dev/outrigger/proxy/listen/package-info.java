/** Sockets, interception and protocol detection. */
@NullMarked
package dev.outrigger.proxy.listen;

import org.jspecify.annotations.NullMarked;
