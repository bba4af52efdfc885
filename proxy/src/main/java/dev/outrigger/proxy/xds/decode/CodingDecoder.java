package dev.outrigger.proxy.xds.decode;

import com.aayushatharva.brotli4j.Brotli4jLoader;
import com.github.luben.zstd.util.Native;
import com.google.protobuf.Any;
import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.extensions.compression.brotli.compressor.v3.Brotli;
import io.envoyproxy.envoy.extensions.compression.gzip.compressor.v3.Gzip;
import io.envoyproxy.envoy.extensions.compression.zstd.compressor.v3.Zstd;
import java.util.zip.Deflater;

/** Reads how a compressor compresses: its {@code compressor_library}. */
final class CodingDecoder {
  /** As Envoy's. */
  private static final int USUAL_QUALITY = 3;

  private static final int USUAL_WINDOW_BITS = 18;
  private static final int USUAL_LEVEL = 3;

  private CodingDecoder() {}

  static Coding coding(Any library, Scope at) throws InvalidResourceException {
    if (library.is(Gzip.class)) {
      Gzip gzip = at.unpack(library, Gzip.class);
      return new Coding.Gzip(
          level(gzip, at.in("compression_level")), strategy(gzip, at.in("compression_strategy")));
    }
    if (library.is(Brotli.class)) {
      Brotli brotli = at.unpack(library, Brotli.class);
      if (!Brotli4jLoader.isAvailable()) {
        throw at.refuse("the native library of Brotli is not there for this machine; use Gzip");
      }
      return new Coding.Brotli(
          brotli.hasQuality() ? at.in("quality").number(brotli.getQuality(), 0, 11) : USUAL_QUALITY,
          brotli.hasWindowBits()
              ? at.in("window_bits").number(brotli.getWindowBits(), 10, 24)
              : USUAL_WINDOW_BITS);
    }
    if (library.is(Zstd.class)) {
      Zstd zstd = at.unpack(library, Zstd.class);
      if (!isZstandardThere()) {
        throw at.refuse("the native library of Zstandard is not there for this machine; use Gzip");
      }
      int level = at.in("compression_level").number(zstd.getCompressionLevel(), 0, 22);
      return new Coding.Zstandard(level == 0 ? USUAL_LEVEL : level, zstd.getEnableChecksum());
    }
    throw at.refuse("expected Gzip, Brotli or Zstd of envoy.extensions.compression");
  }

  private static boolean isZstandardThere() {
    try {
      Native.load();
      return true;
    } catch (ExceptionInInitializerError | UnsatisfiedLinkError e) {
      return false;
    }
  }

  private static int level(Gzip gzip, Scope scope) throws InvalidResourceException {
    return switch (gzip.getCompressionLevel()) {
      case DEFAULT_COMPRESSION -> Deflater.DEFAULT_COMPRESSION;
      case BEST_SPEED -> 1;
      case COMPRESSION_LEVEL_2 -> 2;
      case COMPRESSION_LEVEL_3 -> 3;
      case COMPRESSION_LEVEL_4 -> 4;
      case COMPRESSION_LEVEL_5 -> 5;
      case COMPRESSION_LEVEL_6 -> 6;
      case COMPRESSION_LEVEL_7 -> 7;
      case COMPRESSION_LEVEL_8 -> 8;
      case COMPRESSION_LEVEL_9 -> 9;
      case UNRECOGNIZED -> throw scope.refuse("is no known level");
    };
  }

  private static int strategy(Gzip gzip, Scope scope) throws InvalidResourceException {
    return switch (gzip.getCompressionStrategy()) {
      case DEFAULT_STRATEGY -> Deflater.DEFAULT_STRATEGY;
      case FILTERED -> Deflater.FILTERED;
      case HUFFMAN_ONLY -> Deflater.HUFFMAN_ONLY;
      case RLE, FIXED -> {
        scope.unsupported("expected DEFAULT_STRATEGY, FILTERED or HUFFMAN_ONLY");
        yield Deflater.DEFAULT_STRATEGY;
      }
      case UNRECOGNIZED -> throw scope.refuse("is no known strategy");
    };
  }
}
