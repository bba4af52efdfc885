/** The doors for outsiders: how resources are decoded and what extensions implement. */
@NullMarked
package dev.outrigger.proxy.extension;

import org.jspecify.annotations.NullMarked;
