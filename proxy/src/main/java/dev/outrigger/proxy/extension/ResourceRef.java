package dev.outrigger.proxy.extension;

/**
 * Names one resource.
 *
 * @param typeUrl its type
 * @param name its name within the type
 */
public record ResourceRef(String typeUrl, String name) {}
