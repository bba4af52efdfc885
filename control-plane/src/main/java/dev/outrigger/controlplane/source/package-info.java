/** Where desired state comes from, and what is wrong with it. */
@NullMarked
package dev.outrigger.controlplane.source;

import org.jspecify.annotations.NullMarked;
