/** Requests from pages of other origins. */
@NullMarked
package dev.outrigger.proxy.http.filter.cors;

import org.jspecify.annotations.NullMarked;
