@NullMarked
package dev.outrigger.controlplane.source;

import org.jspecify.annotations.NullMarked;
