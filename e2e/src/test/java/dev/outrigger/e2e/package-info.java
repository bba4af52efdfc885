/** Whole meshes and real peers. */
@NullMarked
package dev.outrigger.e2e;

import org.jspecify.annotations.NullMarked;
