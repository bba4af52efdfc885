/**
 * A small shop: {@code frontend} shows a page, for which it asks {@code checkout}, which asks
 * {@code catalog}. It knows nothing of the mesh but the address of its outbound proxy.
 */
@NullMarked
package dev.outrigger.examples.shop;

import org.jspecify.annotations.NullMarked;
