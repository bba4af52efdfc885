/** Proxies with toxics for tests that run by JUnit. */
@NullMarked
package dev.outrigger.junit;

import org.jspecify.annotations.NullMarked;
