@NullMarked
package dev.outrigger.controlplane.schema;

import org.jspecify.annotations.NullMarked;
