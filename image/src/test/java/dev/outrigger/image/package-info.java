@NullMarked
package dev.outrigger.image;

import org.jspecify.annotations.NullMarked;
