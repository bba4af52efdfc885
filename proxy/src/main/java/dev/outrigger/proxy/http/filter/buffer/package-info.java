/** Requests that are taken on whole. */
@NullMarked
package dev.outrigger.proxy.http.filter.buffer;

import org.jspecify.annotations.NullMarked;
