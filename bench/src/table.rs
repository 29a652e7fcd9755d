//! The table of figures.

/// One figure.
pub struct Row {
    what: &'static str,
    ours: String,
    peer: String,
    ratio: String,
    reach: &'static str,
    reached: Option<bool>,
}

impl Row {
    /// A figure of our own.
    pub fn new(what: &'static str, ours: impl Into<String>) -> Self {
        let none = String::new();
        Self { what, ours: ours.into(), peer: none.clone(), ratio: none, reach: "", reached: None }
    }

    /// With what it is compared to.
    pub fn peer(mut self, peer: impl Into<String>, ratio: f64) -> Self {
        self.peer = peer.into();
        self.ratio = format!("{ratio:.2}x");
        self
    }

    /// With what is to be reached, and whether it is.
    pub fn reach(mut self, reach: &'static str, reached: bool) -> Self {
        self.reach = reach;
        self.reached = Some(reached);
        self
    }

    /// With what is to be reached, in words where it could not be measured here.
    pub fn skipped(what: &'static str, why: &str) -> Self {
        Self::new(what, format!("skipped: {why}"))
    }

    fn cells(&self) -> [String; 6] {
        let reached = match self.reached {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let [what, reach, reached] = [self.what, self.reach, reached].map(str::to_owned);
        [what, self.ours.clone(), self.peer.clone(), self.ratio.clone(), reach, reached]
    }
}

/// Prints `rows` in columns.
pub fn print(rows: &[Row]) {
    let head = ["what", "ours", "peer", "ratio", "reach", "reached?"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let widths: [usize; 6] =
        std::array::from_fn(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0));
    for (index, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join(" | ").trim_end());
        if index == 0 {
            println!("{}", widths.map(|width| "-".repeat(width)).join("-|-"));
        }
    }
}
