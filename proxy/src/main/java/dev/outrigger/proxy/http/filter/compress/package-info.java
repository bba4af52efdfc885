/** Compressed answers. */
@NullMarked
package dev.outrigger.proxy.http.filter.compress;

import org.jspecify.annotations.NullMarked;
