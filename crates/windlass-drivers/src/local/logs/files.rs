//! The log files of one slot: read forwards across rotation, and looked through backwards from the newest line.
//!
//! Everything here blocks for as long as the disk does, and never waits for a program. The shim writes `output.log` and puts it
//! aside as `output.log.1` and so on (see `shim::output`); a file is known by its inode, whatever its name is by now.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// A longer line is none of ours: the shim breaks what a program writes at 16 KiB.
const LONGEST_LINE: usize = 64 << 10;
/// How much is read at a time.
const BLOCK: usize = 32 << 10;
/// So often a file is looked for that is put aside while it is opened.
const MOST_LOOKS: usize = 8;

/// One line, as the shim wrote it: `TIME SOURCE TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// RFC 3339 in UTC with milliseconds, so that times are in the order of their text.
    pub(super) time: String,
    /// `out`, `err` or `shim`.
    pub(super) source: String,
    /// The text without its end; bytes that are no UTF-8 are replaced.
    pub(super) text: String,
}

impl Line {
    /// Reads a line; none where it is cut off or not the shim's.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let (time, rest) = text.split_once(' ')?;
        let (source, text) = rest.split_once(' ')?;
        let is_time = time.len() >= 20 && time.ends_with('Z') && time.starts_with(|first: char| first.is_ascii_digit());
        let is_ours = is_time && matches!(source, "out" | "err" | "shim");
        is_ours.then(|| Self { time: time.to_owned(), source: source.to_owned(), text: text.to_owned() })
    }
}

/// Where a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    inode: u64,
    offset: u64,
}

/// Log files that are there, the newest first.
fn listed(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let age = |name: &str| match name.strip_prefix("output.log")? {
        "" => Some(0),
        aside => aside.strip_prefix('.')?.parse::<u32>().ok(),
    };
    let mut found: Vec<(u32, PathBuf)> = entries.filter_map(|entry| Some((age(entry.file_name().to_str()?)?, entry.path()))).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The inodes of the log files, the newest first.
fn inodes(directory: &Path) -> Vec<u64> {
    listed(directory).iter().filter_map(|path| Some(std::fs::metadata(path).ok()?.ino())).collect()
}

/// Opens a file by its inode, under whatever name it has by now.
fn open_inode(directory: &Path, inode: u64) -> Option<File> {
    listed(directory).iter().find_map(|path| {
        let file = File::open(path).ok()?;
        (file.metadata().ok()?.ino() == inode).then_some(file)
    })
}

/// Lines from the newest to the oldest.
pub(super) struct Backwards {
    paths: VecDeque<PathBuf>,
    seen: Vec<u64>,
    file: Option<(File, u64)>,
    /// Where in the file `pending` begins.
    offset: u64,
    /// What was read and not given out, without the line that was given out last.
    pending: Vec<u8>,
    end: Option<Place>,
}

impl Backwards {
    /// Begins behind the newest line.
    pub(super) fn new(directory: &Path) -> Self {
        let mut backwards =
            Self { paths: listed(directory).into(), seen: Vec::new(), file: None, offset: 0, pending: Vec::new(), end: None };
        if backwards.open_next() {
            backwards.end = backwards.file.as_ref().map(|(_, inode)| Place { inode: *inode, offset: backwards.offset });
        }
        backwards
    }

    /// Behind the newest line; none where nothing was written.
    pub(super) fn end(&self) -> Option<Place> {
        self.end
    }

    fn open_next(&mut self) -> bool {
        while let Some(path) = self.paths.pop_front() {
            let Ok(file) = File::open(path) else { continue };
            let Ok(found) = file.metadata() else { continue };
            // One that was put aside meanwhile comes again under its next name.
            if !self.seen.contains(&found.ino()) {
                self.seen.push(found.ino());
                self.offset = found.len();
                self.pending.clear();
                self.file = Some((file, found.ino()));
                return true;
            }
        }
        self.file = None;
        false
    }

    /// The line before, and where it begins.
    pub(super) fn next(&mut self) -> Option<(Place, Line)> {
        loop {
            let inode = self.file.as_ref()?.1;
            let whole = self.pending.strip_suffix(b"\n").unwrap_or(&self.pending);
            if let Some(before) = whole.iter().rposition(|byte| *byte == b'\n') {
                let line = Line::parse(self.pending.get(before + 1..).unwrap_or_default());
                self.pending.truncate(before + 1);
                let place = Place { inode, offset: self.offset + before as u64 + 1 };
                if let Some(line) = line {
                    return Some((place, line));
                }
            } else if self.offset > 0 {
                self.read_block();
            } else {
                let line = Line::parse(&self.pending);
                self.open_next();
                if let Some(line) = line {
                    return Some((Place { inode, offset: 0 }, line));
                }
            }
        }
    }

    /// Puts the block before in front of what is pending. What cannot be read ends the file.
    fn read_block(&mut self) {
        let length = self.offset.min(BLOCK as u64);
        let mut block = vec![0; usize::try_from(length).unwrap_or(BLOCK)];
        self.offset -= length;
        let read = self.file.as_ref().map(|(file, _)| file.read_exact_at(&mut block, self.offset));
        if !matches!(read, Some(Ok(()))) || self.pending.len() > LONGEST_LINE {
            self.offset = 0;
            self.pending.clear();
            return;
        }
        block.append(&mut self.pending);
        self.pending = block;
    }
}

/// Lines from a place on, the older first, across files that are put aside meanwhile.
pub(super) struct Forwards {
    directory: PathBuf,
    file: Option<(BufReader<File>, u64)>,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
}

impl Forwards {
    /// Begins at a place; at the oldest line where none is given, or its file is gone.
    pub(super) fn new(directory: PathBuf, place: Option<Place>) -> Self {
        let file = place.and_then(|place| {
            let mut file = open_inode(&directory, place.inode)?;
            file.seek(SeekFrom::Start(place.offset)).ok()?;
            Some((BufReader::new(file), place.inode))
        });
        Self { directory, file, partial: Vec::new() }
    }

    /// The next line; none where nothing more is written yet.
    pub(super) fn next(&mut self) -> Option<Line> {
        let mut is_aside = false;
        loop {
            if self.file.is_none() {
                self.file = Some(self.open_after(None)?);
            }
            let (reader, inode) = self.file.as_mut()?;
            let inode = *inode;
            let room = (LONGEST_LINE - self.partial.len().min(LONGEST_LINE)) as u64;
            let read = reader.by_ref().take(room).read_until(b'\n', &mut self.partial).unwrap_or(0);
            if self.partial.ends_with(b"\n") || self.partial.len() >= LONGEST_LINE {
                if let Some(line) = self.take_partial() {
                    return Some(line);
                }
            } else if read == 0 && is_aside {
                let line = self.take_partial();
                self.file = self.open_after(Some(inode));
                is_aside = false;
                if line.is_some() {
                    return line;
                }
            } else if read == 0 {
                // One that is put aside grows no more; what it got between the two looks is read before it is left.
                is_aside = inodes(&self.directory).first().is_some_and(|newest| *newest != inode);
                if !is_aside {
                    return None;
                }
            }
        }
    }

    fn take_partial(&mut self) -> Option<Line> {
        let line = Line::parse(&self.partial);
        self.partial.clear();
        line
    }

    /// The file that was begun after this one; the oldest where that one is gone, or none is named.
    fn open_after(&self, inode: Option<u64>) -> Option<(BufReader<File>, u64)> {
        for _ in 0..MOST_LOOKS {
            let there = inodes(&self.directory);
            let next = match inode.and_then(|inode| there.iter().position(|known| *known == inode)) {
                Some(index) => there.get(index.checked_sub(1)?)?,
                None => there.last()?,
            };
            if let Some(file) = open_inode(&self.directory, *next) {
                return Some((BufReader::new(file), *next));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn line(number: usize) -> String {
        format!("2026-01-01T00:00:{:02}.000Z out line {number}", number % 60)
    }

    /// A log that is put aside as the shim does it.
    struct Log(tempfile::TempDir);

    impl Log {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn write(&self, text: &str) {
            let mut file = File::options().create(true).append(true).open(self.path().join("output.log")).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn lines(&self, numbers: std::ops::Range<usize>) {
            numbers.for_each(|number| self.write(&format!("{}\n", line(number))));
        }

        fn put_aside(&self) {
            for age in (0..3).rev() {
                let name = |age: usize| self.path().join(if age == 0 { "output.log".to_owned() } else { format!("output.log.{age}") });
                if name(age).exists() {
                    std::fs::rename(name(age), name(age + 1)).unwrap();
                }
            }
        }
    }

    fn texts(forwards: &mut Forwards) -> Vec<String> {
        std::iter::from_fn(|| forwards.next()).map(|line| line.text).collect()
    }

    fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
        numbers.map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn a_line_is_read_or_passed_over() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let line = Line::parse(text.as_bytes());
            assert_eq!(line.as_ref().map(|line| (line.source.as_str(), line.text.as_str())), expected, "{text}");
        };
        check("2026-01-01T00:00:00.000Z out two  words \n", Some(("out", "two  words ")));
        check("2026-01-01T00:00:00.000Z err ", Some(("err", "")));
        check("2026-01-01T00:00:00.000Z err", None);
        check("00.000Z out cut off in the middle", None);
        check("2026-01-01T00:00:00.000Z other text", None);
        check("", None);
        assert_eq!(Line::parse(b"2026-01-01T00:00:00.000Z out a\xffb\n").unwrap().text, "a\u{fffd}b");
    }

    #[test]
    fn following_loses_no_line_and_repeats_none_when_files_are_put_aside() {
        let log = Log::new();
        let mut forwards = Forwards::new(log.path().to_owned(), None);
        assert_eq!(texts(&mut forwards), Vec::<String>::new(), "nothing is written yet");
        log.lines(0..3);
        assert_eq!(texts(&mut forwards), numbered(0..3));
        log.lines(3..5);
        log.put_aside();
        log.lines(5..7);
        log.put_aside();
        log.lines(7..8);
        assert_eq!(texts(&mut forwards), numbered(3..8));
        log.put_aside();
        assert_eq!(texts(&mut forwards), Vec::<String>::new(), "there is no new file yet");
        log.lines(8..9);
        assert_eq!(texts(&mut forwards), numbered(8..9));
    }

    #[test]
    fn a_line_is_given_out_when_it_is_whole() {
        let log = Log::new();
        let mut forwards = Forwards::new(log.path().to_owned(), None);
        log.write("2026-01-01T00:00:00.000Z out ha");
        assert_eq!(forwards.next(), None);
        log.write("lf\n");
        assert_eq!(texts(&mut forwards), ["half"]);
    }

    #[test]
    fn one_that_fell_behind_goes_on_with_the_oldest() {
        let log = Log::new();
        let mut forwards = Forwards::new(log.path().to_owned(), None);
        log.lines(0..1);
        assert_eq!(texts(&mut forwards), numbered(0..1));
        for number in 1..6 {
            log.put_aside();
            log.lines(number..number + 1);
        }
        assert_eq!(texts(&mut forwards), numbered(2..6), "the file of line 1 was overwritten");
    }

    #[test]
    fn backwards_comes_by_every_line_and_knows_its_place() {
        let log = Log::new();
        log.lines(0..3000);
        log.put_aside();
        log.lines(3000..3002);
        log.write("no line of ours\n");
        log.lines(3002..3003);
        let mut backwards = Backwards::new(log.path());
        let (end, mut seen) = (backwards.end(), Vec::new());
        while let Some((place, line)) = backwards.next() {
            seen.push((place, line.text));
        }
        seen.reverse();
        assert_eq!(seen.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>(), numbered(0..3003));
        for number in [0, 1, 1500, 2999, 3000, 3002] {
            let mut forwards = Forwards::new(log.path().to_owned(), Some(seen[number].0));
            assert_eq!(texts(&mut forwards), numbered(number..3003), "from line {number}");
        }
        assert_eq!(texts(&mut Forwards::new(log.path().to_owned(), end)), Vec::<String>::new());
    }

    #[test]
    fn an_empty_or_missing_directory_has_no_lines() {
        let log = Log::new();
        for directory in [log.path().to_owned(), log.path().join("none")] {
            let mut backwards = Backwards::new(&directory);
            assert!(backwards.end().is_none() && backwards.next().is_none());
        }
        log.write("");
        assert!(Backwards::new(log.path()).next().is_none());
    }
}
