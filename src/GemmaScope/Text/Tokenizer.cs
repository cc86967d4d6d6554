using System.Text;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>
/// Turns text into token ids and back. Safe to use from several threads at once.
/// Lone surrogates, which no UTF-8 text can hold, are read as U+FFFD.
/// </summary>
public abstract class Tokenizer
{
    private readonly DecodingRules _decoding;

    private protected Tokenizer(Vocabulary vocabulary, DecodingRules decoding, string file) =>
        (Vocabulary, _decoding, File) = (vocabulary, decoding, file);

    /// <summary>The file it was read from.</summary>
    public string File { get; }

    /// <summary>Number of ids, added tokens outside the model's own vocabulary included: every id is below it.</summary>
    public int VocabularySize => Vocabulary.Count;

    /// <summary>
    /// Number of ids of the vocabulary itself: an embedding needs at least this many rows. Smaller than
    /// <see cref="VocabularySize"/> where tokens are added behind it, as Gemma 3's image token.
    /// </summary>
    public virtual int BaseVocabularySize => VocabularySize;

    /// <summary>The token that begins a text, where there is one.</summary>
    public abstract int? BosId { get; }

    /// <summary>The token that ends a text, where there is one.</summary>
    public abstract int? EosId { get; }

    /// <summary>The token that fills up, where there is one.</summary>
    public abstract int? PadId { get; }

    /// <summary>The token of what has no piece, where there is one.</summary>
    public abstract int? UnkId { get; }

    /// <summary>What the settings beside it ask for and is not done, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; private set; } = [];

    internal Vocabulary Vocabulary { get; }

    /// <summary>
    /// Reads a tokenizer: a file <c>tokenizer.json</c> or <c>tokenizer.model</c>, a GGUF file, or a model folder that holds one.
    /// Where a folder holds both, <c>tokenizer.json</c> counts: only it knows the added tokens (images, turn markers). What
    /// <c>tokenizer_config.json</c> in the folder asks for is heeded, refused, or stands in <see cref="Notes"/>.
    /// </summary>
    /// <exception cref="FileFormatException">There is none, it is damaged, or it has parts that are not supported.</exception>
    public static Tokenizer Load(string path)
    {
        if (TryFindIn(path) is null && GgufFolder.Find(path) is { } gguf)
        {
            using var opened = GgufFile.Open(gguf);
            return new GgufVocabulary(opened).Tokenizer();
        }
        var file = Directory.Exists(path) ? FindIn(path) : path;
        var bytes = Contents(file);
        Tokenizer tokenizer = Path.GetExtension(file).Equals(".json", StringComparison.OrdinalIgnoreCase)
            ? JsonTokenizer.Read(bytes, file)
            : SentencePieceTokenizer.Read(bytes, file);
        if (Directory.Exists(path))
        {
            var settings = TokenizerSettings.Load(path);
            settings.Check(tokenizer.Vocabulary, tokenizer.BosId);
            tokenizer.Notes = settings.Notes;
        }
        return tokenizer;
    }

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text. Special tokens written in it are special tokens where the file is a tokenizer.json, plain text where it
    /// is a tokenizer.model.</param>
    /// <param name="addBos">Whether to put the BOS in front, as the models expect. There is one then, and no second: a BOS that the text
    /// begins with is that one, whatever the file.</param>
    public int[] Encode(string text, bool addBos = false)
    {
        var tokens = Tokenize(addBos ? text[WrittenBos(text)..] : text).Sink.Tokens;
        var first = addBos ? 1 : 0;
        var ids = new int[first + tokens.Length];
        if (addBos)
            ids[0] = RequireBos();
        for (var i = 0; i < tokens.Length; i++)
            ids[first + i] = tokens[i].Id;
        return ids;
    }

    /// <summary>The ids of a text, and for each the place in the text it came from.</summary>
    /// <inheritdoc cref="Encode"/>
    public TokenizedText EncodeWithOffsets(string text, bool addBos = false)
    {
        var from = addBos ? WrittenBos(text) : 0;
        var (_, places, sink) = Tokenize(text[from..]);
        var tokens = sink.Tokens;
        var ids = new List<int>(tokens.Length + 1);
        var spans = new List<TextSpan>(tokens.Length + 1);
        if (addBos)
        {
            ids.Add(RequireBos());
            spans.Add(new(0, from));
        }
        foreach (var (id, start, end) in tokens)
        {
            ids.Add(id);
            spans.Add(places is null ? new(from + start, from + end) : new(from + places[start], from + places[end]));
        }
        return new(text, ids, spans);
    }

    /// <summary>How much of a text's beginning is the BOS written out, once or several times.</summary>
    internal int WrittenBos(string text)
    {
        if (BosId is not { } id || Piece(id) is not { Length: > 0 } bos)
            return 0;
        var end = 0;
        while (string.CompareOrdinal(text, end, bos, 0, bos.Length) == 0)
            end += bos.Length;
        return end;
    }

    /// <summary>The ids of a text in which special tokens count wherever they are written, whatever file the tokenizer was read from:
    /// what a chat template has written. Nothing is put in front.</summary>
    internal virtual int[] EncodeMarked(string text) => Encode(text);

    /// <summary>The text of ids.</summary>
    /// <param name="ids">Ids below <see cref="VocabularySize"/>.</param>
    /// <param name="skipSpecial">Whether special tokens are left out.</param>
    /// <exception cref="ArgumentProblemException">An id is outside the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false)
    {
        var stream = CreateStream(skipSpecial);
        var text = new StringBuilder();
        foreach (var id in ids)
            stream.Append(id, text);
        stream.Flush(text);
        return text.ToString();
    }

    /// <summary>Decodes id by id, for printing while a model generates.</summary>
    /// <inheritdoc cref="Decode"/>
    public StreamingDecoder CreateStream(bool skipSpecial = false) => new(this, _decoding, skipSpecial);

    /// <summary>A piece as the vocabulary has it, such as <c>▁the</c>, <c>&lt;0x0A&gt;</c>, <c>&lt;bos&gt;</c>.</summary>
    /// <exception cref="ArgumentProblemException">The id is outside the vocabulary.</exception>
    public string Piece(int id) => Vocabulary.Piece(Known(id));

    /// <summary>A piece for people, on one line: ▁ as a space, control characters escaped, bytes and special tokens as they are
    /// named.</summary>
    /// <exception cref="ArgumentProblemException">The id is outside the vocabulary.</exception>
    public string Display(int id)
    {
        var text = new StringBuilder();
        foreach (var c in Piece(id))
        {
            _ = c switch
            {
                Vocabulary.SpaceMark => text.Append(' '),
                '\n' => text.Append("\\n"),
                '\t' => text.Append("\\t"),
                '\r' => text.Append("\\r"),
                _ when char.IsControl(c) => text.Append($"\\u{(int)c:X4}"),
                _ => text.Append(c),
            };
        }
        return text.ToString();
    }

    /// <summary>The id of a piece, or null.</summary>
    public int? Id(string piece) => Vocabulary.Id(piece);

    /// <summary>Whether a token steers the model rather than stands for text: BOS, EOS, padding, unknown, and what the file flags as
    /// special.</summary>
    /// <exception cref="ArgumentProblemException">The id is outside the vocabulary.</exception>
    public bool IsSpecial(int id) => Vocabulary.Kind(Known(id)) is PieceKind.Control or PieceKind.Unknown;

    /// <summary>Cuts well-formed text into tokens.</summary>
    private protected abstract Tokenization TokenizeCore(string text);

    internal Tokenization Tokenize(string text) => TokenizeCore(WellFormed(text));

    private int Known(int id) =>
        (uint)id < (uint)VocabularySize
            ? id
            : throw new ArgumentProblemException($"token id {id} is outside the vocabulary of {VocabularySize} ids ({File})");

    private int RequireBos() => BosId ?? throw new ArgumentProblemException($"the vocabulary {File} has no BOS token; encode without one");

    private static string FindIn(string folder) =>
        TryFindIn(folder)
        ?? throw new FileFormatException(
            "the folder has neither tokenizer.json nor tokenizer.model; put the model's vocabulary there",
            folder
        );

    private static string? TryFindIn(string folder) =>
        ((string[])["tokenizer.json", "tokenizer.model"]).Select(name => Path.Combine(folder, name)).FirstOrDefault(System.IO.File.Exists);

    private static byte[] Contents(string file)
    {
        if (FileChecks.LengthOf(file) == 0)
            throw new FileFormatException("the file is empty; get it again", file);
        try
        {
            var bytes = System.IO.File.ReadAllBytes(file);
            FileStandIn.Refuse(bytes, file);
            return bytes;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(file, problem);
        }
    }

    private static string WellFormed(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        return string.Create(
            text.Length,
            text,
            static (output, text) =>
            {
                text.CopyTo(output);
                for (var i = 0; i < output.Length; i++)
                {
                    if (!char.IsSurrogate(output[i]))
                        continue;
                    if (i + 1 < output.Length && char.IsSurrogatePair(output[i], output[i + 1]))
                        i++;
                    else
                        output[i] = '\uFFFD';
                }
            }
        );
    }

    /// <summary>The tokens of a text.</summary>
    /// <param name="Normalized">The text the tokens' places count in.</param>
    /// <param name="Places">For each place in it the place in the given text; null where both are the same.</param>
    /// <param name="Sink">The tokens.</param>
    internal readonly record struct Tokenization(string Normalized, int[]? Places, TokenSink Sink);
}
