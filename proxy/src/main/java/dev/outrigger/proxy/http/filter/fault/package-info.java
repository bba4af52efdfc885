/** What goes wrong on purpose with requests. */
@NullMarked
package dev.outrigger.proxy.http.filter.fault;

import org.jspecify.annotations.NullMarked;
