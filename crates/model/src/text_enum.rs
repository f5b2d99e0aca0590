//! A closed set of names, declared once.
//!
//! The macro gives an enum its text in one place; reading, showing and serialising all use that place, so that the
//! name in code, topics, configuration and pages cannot drift apart. Order of declaration is order of `Ord`.

/// Declares an enum whose variants have a fixed text, with `ALL`, `NAMES`, `as_str`, `parse`, `Display`, `FromStr`
/// and serde as that text.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal) {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[$variant_meta])* #[serde(rename = $text)] $variant, )+
        }

        impl $name {
            /// All of them, in order of declaration.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[ $( $text, )+ ];

            /// Returns the name.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// Reads a name; exact, case included.
            pub fn parse(text: &str) -> Result<Self, $crate::Error> {
                match text {
                    $( $text => Ok(Self::$variant), )+
                    _ => Err($crate::Error::Name { what: $what, text: text.to_owned(), known: Self::NAMES }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}

pub(crate) use text_enum;
