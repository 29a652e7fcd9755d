//! Enums whose values have a name outside.

/// Gives an enum `ALL`, `as_str` and `from_name` out of one list, so that no value can be missing from any of them.
macro_rules! named {
    (
        $(#[$outer:meta])*
        pub enum $name:ident { $($(#[$inner:meta])* $value:ident = $text:literal,)+ }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$inner])* $value,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$value,)+];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }

            /// The one with this name, exactly as written.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}

pub(crate) use named;
