namespace GemmaScope.Text;

/// <summary>How a SentencePiece model cuts text.</summary>
internal enum SentencePieceAlgorithm
{
    Unigram = 1,
    Bpe = 2,
    Word = 3,
    Char = 4,
}

/// <summary>The contents of a SentencePiece file (<c>sentencepiece_model.proto</c>), checked; what training alone needs is left
/// out.</summary>
internal sealed record SentencePieceModel
{
    // Trainers stop at 16 characters; the limit keeps a damaged file from costing time that grows with the square.
    private const int LongestNormalPiece = 256;

    private SentencePieceModel() { }

    public required string File { get; init; }
    public List<string> Pieces { get; } = [];
    public List<float> Scores { get; } = [];
    public List<PieceKind> Kinds { get; } = [];

    public SentencePieceAlgorithm Algorithm { get; private set; } = SentencePieceAlgorithm.Unigram;
    public int VocabularySize { get; private set; }
    public bool ByteFallback { get; private set; }
    public bool SplitDigits { get; private set; }
    public bool SpaceAsSuffix { get; private set; }
    public int UnkId { get; private set; }
    public int BosId { get; private set; } = 1;
    public int EosId { get; private set; } = 2;
    public int PadId { get; private set; } = -1;
    public string UnkPiece { get; private set; } = "<unk>";
    public string BosPiece { get; set; } = "<s>";
    public string EosPiece { get; set; } = "</s>";
    public string PadPiece { get; set; } = "<pad>";
    public string UnkSurface { get; private set; } = " \u2047 ";

    public string NormalizerName { get; private set; } = "";
    public bool AddDummyPrefix { get; set; } = true;
    public bool RemoveExtraSpaces { get; set; } = true;
    public bool EscapeSpaces { get; private set; } = true;
    public byte[] CharacterMap { get; set; } = [];

    /// <summary>Reads and checks a model file.</summary>
    public static SentencePieceModel Read(ReadOnlySpan<byte> bytes, string file)
    {
        var model = new SentencePieceModel { File = file };
        for (var reader = new ProtobufReader(bytes, file); reader.Next(); )
        {
            switch (reader.Field)
            {
                case 1:
                    model.ReadPiece(reader.Message());
                    break;
                case 2:
                    model.ReadTrainer(reader.Message());
                    break;
                case 3:
                    model.ReadNormalizer(reader.Message());
                    break;
                case 5:
                    model.RefuseDenormalizer(reader.Message());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        model.Check();
        return model;
    }

    /// <summary>A BPE model of pieces that stand elsewhere, as in a GGUF file, and checks them in the same way.</summary>
    public static SentencePieceModel Of(string file, IEnumerable<(string Piece, float Score, PieceKind Kind)> pieces)
    {
        var model = new SentencePieceModel { File = file, Algorithm = SentencePieceAlgorithm.Bpe };
        foreach (var (piece, score, kind) in pieces)
            model.Add(piece, score, kind);
        model.ByteFallback = model.Kinds.Contains(PieceKind.Byte);
        model.Check();
        return model;
    }

    private void ReadPiece(ProtobufReader reader)
    {
        var (piece, score, kind) = ("", 0f, 1);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    piece = reader.String();
                    break;
                case 2:
                    score = reader.Single();
                    break;
                case 3:
                    kind = reader.Int32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (kind is < 1 or > 6 or (int)PieceKind.Unused)
            throw Problem($"piece {Pieces.Count} \"{piece}\" has type {kind}; types 1 to 4 and 6 are supported");
        Add(piece, score, (PieceKind)kind);
    }

    private void Add(string piece, float score, PieceKind kind)
    {
        if (piece.Length == 0)
            throw Problem($"piece {Pieces.Count} is empty");
        if (!float.IsFinite(score))
            throw Problem($"piece {Pieces.Count} \"{piece}\" has the score {score}");
        if (kind == PieceKind.Normal && piece.Length > LongestNormalPiece)
            throw Problem($"piece {Pieces.Count} has {piece.Length} characters, more than {LongestNormalPiece}");
        Pieces.Add(piece);
        Scores.Add(score);
        Kinds.Add(kind);
    }

    private void ReadTrainer(ProtobufReader reader)
    {
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    Algorithm = (SentencePieceAlgorithm)reader.Int32();
                    break;
                case 4:
                    VocabularySize = reader.Int32();
                    break;
                case 24:
                    SpaceAsSuffix = reader.Bool();
                    break;
                case 25:
                    SplitDigits = reader.Bool();
                    break;
                case 35:
                    ByteFallback = reader.Bool();
                    break;
                case 40:
                    UnkId = reader.Int32();
                    break;
                case 41:
                    BosId = reader.Int32();
                    break;
                case 42:
                    EosId = reader.Int32();
                    break;
                case 43:
                    PadId = reader.Int32();
                    break;
                case 44:
                    UnkSurface = reader.String();
                    break;
                case 45:
                    UnkPiece = reader.String();
                    break;
                case 46:
                    BosPiece = reader.String();
                    break;
                case 47:
                    EosPiece = reader.String();
                    break;
                case 48:
                    PadPiece = reader.String();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void ReadNormalizer(ProtobufReader reader)
    {
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    NormalizerName = reader.String();
                    break;
                case 2:
                    CharacterMap = reader.Bytes().ToArray();
                    break;
                case 3:
                    AddDummyPrefix = reader.Bool();
                    break;
                case 4:
                    RemoveExtraSpaces = reader.Bool();
                    break;
                case 5:
                    EscapeSpaces = reader.Bool();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void RefuseDenormalizer(ProtobufReader reader)
    {
        for (; reader.Next(); reader.Skip())
            if (reader.Field == 2)
                throw Problem("it has a denormalizer, which is not supported");
    }

    private void Check()
    {
        if (Pieces.Count == 0)
            throw Problem("it has no pieces");
        if (Algorithm is not (SentencePieceAlgorithm.Bpe or SentencePieceAlgorithm.Unigram))
            throw Problem($"its model type {Algorithm} is not supported; BPE and unigram are");
        if (Kinds.Count(k => k == PieceKind.Unknown) != 1)
            throw Problem("it must have exactly one piece of type UNKNOWN");
        if (ByteFallback && Kinds.Count(k => k == PieceKind.Byte) != 256)
            throw Problem("it falls back to bytes but does not have all 256 byte pieces");
    }

    private FileFormatException Problem(string what) => new($"not a usable SentencePiece model: {what}", File);
}
