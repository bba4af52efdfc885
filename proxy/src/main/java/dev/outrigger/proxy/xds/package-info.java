/** The conversation with the control plane, and what is published from it. */
@NullMarked
package dev.outrigger.proxy.xds;

import org.jspecify.annotations.NullMarked;
