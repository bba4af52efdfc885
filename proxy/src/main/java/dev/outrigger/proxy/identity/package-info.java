/** Where the proxy's own identity comes from, and how it is kept fresh. */
@NullMarked
package dev.outrigger.proxy.identity;

import org.jspecify.annotations.NullMarked;
