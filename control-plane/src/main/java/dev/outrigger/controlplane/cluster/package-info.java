/** What a control plane does for the cluster that it runs in, beside serving proxies. */
@NullMarked
package dev.outrigger.controlplane.cluster;

import org.jspecify.annotations.NullMarked;
