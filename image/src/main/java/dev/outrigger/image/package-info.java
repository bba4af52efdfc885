/** The container image of Outrigger: layers, OCI layout, archive and bill of materials. */
@NullMarked
package dev.outrigger.image;

import org.jspecify.annotations.NullMarked;
