//! A control group with the CPU share that Lambda gives to a function with a memory size.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

/// Lambda gives one CPU at 1,769 MB, and less in proportion
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const WHOLE_PROCESSOR_MB: u32 = 1_769;

/// The scheduling period, in µs.
const PERIOD: u32 = 20_000;

/// The group. It is removed on drop.
pub(crate) struct Group {
    folder: PathBuf,
    memory: u32,
}

impl Group {
    /// Creates the group for a function with this much memory, in MB.
    ///
    /// # Errors
    /// If there are no control groups or no permission.
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

    /// The memory of the function, in MB.
    pub(crate) fn memory(&self) -> u32 {
        self.memory
    }

    /// The folder of the group.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended. A group that cannot be removed is empty.
        let _ = fs::remove_dir(&self.folder);
    }
}
