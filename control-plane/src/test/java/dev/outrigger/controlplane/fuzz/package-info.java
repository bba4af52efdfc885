/** What all fuzz targets share, and their seeds as tests. */
@NullMarked
package dev.outrigger.controlplane.fuzz;

import org.jspecify.annotations.NullMarked;
