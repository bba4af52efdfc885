package dev.outrigger.controlplane.source;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;

import dev.outrigger.controlplane.source.FolderReading.Content;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Desired state from the YAML files of a folder. A bad document keeps its last good version, a file
 * that cannot be read keeps all of its own, and everything else goes on. Changes are seen by the
 * kernel's notification, and by a look once a second where there is none.
 */
public final class FileSource implements ModelSource {
  private static final Logger LOG = LoggerFactory.getLogger(FileSource.class);
  private static final long LOOK_MILLIS = 1_000;
  private static final long QUIET_MILLIS = 100;

  /** After so many quiet periods that were none, a folder that never rests is read anyway. */
  private static final int MAX_QUIET_PERIODS = 10;

  private final Path folder;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final ReentrantLock reading = new ReentrantLock();
  private final Map<Path, WatchKey> watched = new HashMap<>();
  private final @Nullable WatchService watcher;

  private FolderReading last = FolderReading.empty();
  private Map<String, String> fingerprint = Map.of();
  private volatile Reading published = new Reading(FolderReading.empty().state(), List.of(), 0);
  private final CountDownLatch closed = new CountDownLatch(1);

  private FileSource(Path folder) {
    this.folder = folder;
    this.watcher = newWatcher(folder);
  }

  private static @Nullable WatchService newWatcher(Path folder) {
    try {
      return folder.getFileSystem().newWatchService();
    } catch (IOException | UnsupportedOperationException e) {
      LOG.warn("no notification of file changes, looking once a second instead: {}", e.toString());
      return null;
    }
  }

  /**
   * Reads the folder now and again whenever it changes. A folder that is not there is a problem.
   */
  public static FileSource watching(Path folder) {
    FileSource source = new FileSource(folder);
    source.refresh();
    Thread.ofVirtual().name("outrigger-file-source").start(source::watch);
    return source;
  }

  /** Reads the folder now, and later only when told to. */
  static FileSource still(Path folder) {
    FileSource source = new FileSource(folder);
    source.refresh();
    return source;
  }

  @Override
  public Reading reading() {
    return published;
  }

  @Override
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  @Override
  public void close() {
    closed.countDown();
    if (watcher != null) {
      try {
        watcher.close();
      } catch (IOException e) {
        LOG.debug("closing the watch", e);
      }
    }
  }

  /** Reads everything now; listeners are told before this returns. */
  public void refresh() {
    reading.lock();
    try {
      YamlFiles found = YamlFiles.under(List.of(folder));
      watch(found.folders());
      // Before the contents: what changes in between is seen next time.
      fingerprint = fingerprint(found);
      SortedMap<String, Content> contents = new TreeMap<>();
      found.files().forEach((name, path) -> contents.put(name, YamlFiles.read(path)));
      keepWhatCannotBeSeen(found, contents);
      FolderReading next = last.next(contents, found.problems());
      last = next;
      Reading before = published;
      if (before.generation() == 0
          || !next.state().equals(before.state())
          || !next.problems().equals(before.problems())) {
        published = new Reading(next.state(), next.problems(), before.generation() + 1);
        listeners.forEach(Runnable::run);
      }
    } finally {
      reading.unlock();
    }
  }

  /** Files below a folder that cannot be listed are not gone. */
  private void keepWhatCannotBeSeen(YamlFiles found, SortedMap<String, Content> contents) {
    for (int i = 0; i < found.unreadable().size(); i++) {
      Path lost = found.unreadable().get(i);
      for (String name : last.files()) {
        if (Path.of(name).startsWith(lost)) {
          contents.putIfAbsent(name, new Content.Unreadable(found.problems().get(i)));
        }
      }
    }
  }

  private void refreshIfChanged() {
    reading.lock();
    try {
      if (!fingerprint(YamlFiles.under(List.of(folder))).equals(fingerprint)) {
        refresh();
      }
    } finally {
      reading.unlock();
    }
  }

  /** Enough of each file to see that it changed; follows links, so that a swapped one counts. */
  private static Map<String, String> fingerprint(YamlFiles found) {
    Map<String, String> print = new HashMap<>();
    found.unreadable().forEach(path -> print.put(path.toString(), "unreadable"));
    found
        .files()
        .forEach(
            (name, path) -> {
              try {
                BasicFileAttributes attributes =
                    Files.readAttributes(path, BasicFileAttributes.class);
                print.put(
                    name,
                    attributes.size()
                        + " "
                        + attributes.lastModifiedTime()
                        + " "
                        + attributes.fileKey());
              } catch (IOException e) {
                print.put(name, "unreadable");
              }
            });
    return print;
  }

  private void watch(List<Path> folders) {
    if (watcher == null) {
      return;
    }
    watched.keySet().retainAll(folders);
    for (Path one : folders) {
      WatchKey key = watched.get(one);
      if (key == null || !key.isValid()) {
        try {
          watched.put(one, one.register(watcher, ENTRY_CREATE, ENTRY_MODIFY, ENTRY_DELETE));
        } catch (IOException | ClosedWatchServiceException e) {
          LOG.debug("{} is looked at once a second", one, e);
        }
      }
    }
  }

  private void watch() {
    while (closed.getCount() > 0) {
      try {
        if (changeWithin(LOOK_MILLIS)) {
          int periods = 0;
          while (periods++ < MAX_QUIET_PERIODS && changeWithin(QUIET_MILLIS)) {
            // Somebody is still writing.
          }
          refresh();
        } else {
          refreshIfChanged();
        }
      } catch (ClosedWatchServiceException | InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOG.error("reading {} failed; the last state goes on", folder, e);
      }
    }
  }

  private boolean changeWithin(long millis) throws InterruptedException {
    if (watcher == null) {
      // Nobody tells of changes here, so they are looked for.
      var _ = closed.await(millis, TimeUnit.MILLISECONDS);
      return false;
    }
    @Nullable WatchKey key = watcher.poll(millis, TimeUnit.MILLISECONDS);
    if (key == null) {
      return false;
    }
    key.pollEvents();
    key.reset();
    return true;
  }
}
