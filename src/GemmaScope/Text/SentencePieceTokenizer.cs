namespace GemmaScope.Text;

/// <summary>A tokenizer read from a SentencePiece model (<c>tokenizer.model</c>), BPE or unigram.</summary>
internal sealed class SentencePieceTokenizer : Tokenizer
{
    private readonly SentencePieceNormalizer _normalizer;
    private readonly LiteralMatcher _literals;
    private readonly Lazy<LiteralMatcher> _controls;
    private readonly BytePairEncoder? _bpe;
    private readonly UnigramEncoder? _unigram;

    private SentencePieceTokenizer(SentencePieceModel model, Vocabulary vocabulary)
        : base(vocabulary, Decoding(model), model.File)
    {
        Model = model;
        UnkId = model.Kinds.IndexOf(PieceKind.Unknown);
        _literals = new(
            Enumerable
                .Range(0, vocabulary.Count)
                .Where(id => vocabulary.Kind(id) == PieceKind.UserDefined)
                .Select(id => (vocabulary.Piece(id), id))
        );
        _controls = new(() =>
            new(
                Enumerable
                    .Range(0, vocabulary.Count)
                    .Where(id => vocabulary.Kind(id) is PieceKind.Control or PieceKind.Unknown)
                    .Select(id => (vocabulary.Piece(id), id))
            )
        );
        _normalizer = new(model, _literals);
        if (model.Algorithm == SentencePieceAlgorithm.Bpe)
            _bpe = new(SentencePieceMerges.Derive(model, vocabulary), vocabulary.Count);
        else
            _unigram = new(model);
    }

    /// <summary>The file's contents.</summary>
    public SentencePieceModel Model { get; }

    public override int? BosId => Control(Model.BosPiece);

    public override int? EosId => Control(Model.EosPiece);

    public override int? PadId => Control(Model.PadPiece);

    public override int? UnkId { get; }

    public static SentencePieceTokenizer Read(ReadOnlySpan<byte> bytes, string file) => Of(SentencePieceModel.Read(bytes, file));

    /// <summary>The tokenizer of a model that was read.</summary>
    public static SentencePieceTokenizer Of(SentencePieceModel model)
    {
        var file = model.File;
        var ids = new Dictionary<string, int>(model.Pieces.Count);
        for (var id = 0; id < model.Pieces.Count; id++)
            if (!ids.TryAdd(model.Pieces[id], id))
                throw new FileFormatException(
                    $"pieces {ids[model.Pieces[id]]} and {id} are both \"{model.Pieces[id]}\"; get the file again",
                    file
                );
        return new(model, new([.. model.Pieces], [.. model.Kinds], ids, file));
    }

    internal override int[] EncodeMarked(string text)
    {
        var ids = new List<int>();
        for (var from = 0; from < text.Length; )
        {
            var found = _controls.Value.TryFind(text, from, out var start, out var length, out var id);
            if (start > from)
                ids.AddRange(Encode(text[from..start]));
            if (found)
                ids.Add(id);
            from = start + length;
        }
        return [.. ids];
    }

    private protected override Tokenization TokenizeCore(string text)
    {
        var (normalized, places) = _normalizer.Normalize(text);
        var sink = new TokenSink(Model.ByteFallback ? Vocabulary.ByteIds : null, UnkId!.Value);
        if (_unigram is not null)
            _unigram.Encode(normalized, sink);
        else
            EncodeBetweenLiterals(normalized, sink);
        sink.JoinUnknown();
        return new(normalized, places, sink);
    }

    private void EncodeBetweenLiterals(string text, TokenSink sink)
    {
        for (var from = 0; from < text.Length; )
        {
            var found = _literals.TryFind(text, from, out var start, out var length, out var id);
            _bpe!.Encode(text.AsSpan(from, start - from), from, sink);
            if (found)
                sink.Add(id, start, start + length);
            from = start + length;
        }
    }

    private int? Control(string piece) => Vocabulary.Id(piece) is { } id && Vocabulary.Kind(id) == PieceKind.Control ? id : null;

    private static DecodingRules Decoding(SentencePieceModel model) =>
        new()
        {
            ControlIsSilent = true,
            UnknownSurface = model.UnkSurface,
            TrimFirstSpace = model.AddDummyPrefix || model.RemoveExtraSpaces,
            TrimAllFirstSpaces = model.RemoveExtraSpaces,
        };
}
