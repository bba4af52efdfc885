/** From command line, environment and files to a checked start configuration. */
@NullMarked
package dev.outrigger.proxy.bootstrap;

import org.jspecify.annotations.NullMarked;
