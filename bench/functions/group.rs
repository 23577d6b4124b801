//! A control group with the share of a processor that Lambda gives to a function of so much memory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

/// Lambda gives a whole processor at 1,769 MB, and less in proportion
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const WHOLE_PROCESSOR_MB: u32 = 1_769;

/// The period in which the share is given, in µs.
const PERIOD: u32 = 20_000;

/// The group; it is removed in the end.
pub(crate) struct Group {
    folder: PathBuf,
    memory: u32,
}

impl Group {
    /// Makes the group, for a function with so many MB.
    ///
    /// # Errors
    /// Where this user may not, or there are no control groups.
    pub(crate) fn new(memory: u32) -> io::Result<Self> {
        let quota = PERIOD * memory / WHOLE_PROCESSOR_MB;
        let name = format!("taskbell-bench-{}", process::id());
        let first = Path::new("/sys/fs/cgroup/cpu");
        let folder = if first.exists() { first } else { Path::new("/sys/fs/cgroup") }.join(name);
        fs::create_dir(&folder)?;
        let group = Self { folder, memory };
        if first.exists() {
            fs::write(group.folder.join("cpu.cfs_period_us"), PERIOD.to_string())?;
            fs::write(group.folder.join("cpu.cfs_quota_us"), quota.to_string())?;
        } else {
            fs::write(group.folder.join("cpu.max"), format!("{quota} {PERIOD}"))?;
        }
        Ok(group)
    }

    /// The memory that such a function has, in MB.
    pub(crate) fn memory(&self) -> u32 {
        self.memory
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended; what cannot be removed is empty.
        let _ = fs::remove_dir(&self.folder);
    }
}
