//! The words of lists: short, common, and unlike each other.

/// All different.
pub(super) const WORDS: [&str; 128] = [
    "apple", "arm", "baby", "back", "bag", "ball", "bank", "bear", "bed", "bell", "bird", "blood",
    "blue", "boat", "body", "bone", "book", "box", "boy", "bread", "brown", "bus", "cake", "camp",
    "car", "card", "cat", "chair", "city", "coat", "cold", "corn", "cow", "cup", "dark", "desk",
    "dog", "door", "dress", "drum", "duck", "ear", "earth", "egg", "eye", "face", "farm", "fire",
    "fish", "flag", "floor", "food", "foot", "fox", "game", "gate", "gift", "girl", "glass",
    "gold", "grass", "green", "hair", "hand", "hat", "head", "heart", "hill", "home", "horse",
    "house", "ice", "iron", "king", "lake", "lamp", "land", "leaf", "leg", "lion", "map", "milk",
    "moon", "mouth", "music", "neck", "night", "nose", "oil", "park", "pen", "pig", "plant",
    "rain", "red", "ring", "river", "road", "rock", "roof", "room", "rose", "salt", "sand",
    "school", "sea", "seed", "ship", "shoe", "sky", "snow", "song", "star", "stone", "street",
    "sugar", "sun", "table", "tail", "tea", "tree", "wall", "water", "wheel", "white", "wind",
    "window", "wood",
];
