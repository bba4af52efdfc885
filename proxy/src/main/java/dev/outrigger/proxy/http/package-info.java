/** An exchange from a client's bytes to its answer: codec, filters, headers and replies. */
@NullMarked
package dev.outrigger.proxy.http;

import org.jspecify.annotations.NullMarked;
