/** Clusters as one worker sees them: endpoints, pools and connections. */
@NullMarked
package dev.outrigger.proxy.upstream;

import org.jspecify.annotations.NullMarked;
