using System.Security.Cryptography;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Models;

/// <summary>The files that a model is read from: a folder as published, or a GGUF file that holds everything.</summary>
/// <param name="Path">The folder, or the file.</param>
/// <param name="Folder">The folder, or that of the file.</param>
internal abstract record ModelOrigin(string Path, string Folder)
{
    /// <summary>What its settings ask for and is not done, a sentence each.</summary>
    public abstract IReadOnlyList<string> Notes { get; }

    /// <summary>Bytes of the weights' files.</summary>
    public abstract long WeightFileBytes { get; }

    /// <summary>Whether it brings a template that writes messages, as those of models do that were tuned to chat.</summary>
    public abstract bool HasChatTemplate { get; }

    /// <summary>The files that make the model what it is, in a fixed order, the settings first.</summary>
    public abstract IReadOnlyList<string> Files { get; }

    /// <summary>google/gemma-2-2b for a snapshot of a hub cache, else the name of the folder or file.</summary>
    public abstract string Name { get; }

    /// <summary>All names that may say which model it is, that which says most first.</summary>
    public virtual IEnumerable<string> Names => [Name];

    /// <summary>What a path means.</summary>
    /// <param name="path">A folder, or a GGUF file.</param>
    /// <param name="configFile">Another file than config.json.</param>
    /// <exception cref="FileFormatException">A file is missing or damaged.</exception>
    public static ModelOrigin At(string path, string? configFile) =>
        GgufFolder.Find(path) is not { } file ? new FolderOrigin(path, configFile)
        : configFile is null ? new GgufOrigin(GgufFile.Open(file))
        : throw new FileFormatException("holds its own settings, and another config file cannot be used with it", file);

    /// <summary>SHA-256 of config.json, or of the header of a GGUF file.</summary>
    public abstract string SettingsHash();

    /// <summary>Shape and constants.</summary>
    public abstract GemmaConfig Config();

    /// <summary>The tensors, which the caller disposes.</summary>
    public abstract ModelTensors Open();

    /// <summary>The tokenizer.</summary>
    public abstract Tokenizer Tokenizer();

    /// <summary>The chat template; the known ones of small Gemma 4, which have per-layer embeddings, and large ones differ.</summary>
    public abstract ChatTemplate Template(string modelType, bool hasLayerEmbeddings = false);
}

/// <summary>A folder with config.json, safetensors weights and a vocabulary.</summary>
internal sealed record FolderOrigin(string Path, string? ConfigFile) : ModelOrigin(Path, Path)
{
    public override IReadOnlyList<string> Notes => [.. TokenizerSettings.Load(Path).Notes, .. GenerationSettings.Notes(Path)];

    public override long WeightFileBytes =>
        Directory.Exists(Path) ? new DirectoryInfo(Path).EnumerateFiles("*.safetensors").Sum(file => file.Length) : 0;

    public override bool HasChatTemplate => ChatTemplate.IsIn(Path);

    public override IReadOnlyList<string> Files =>
        [
            System.IO.Path.Combine(Path, ConfigFile ?? "config.json"),
            .. Directory.EnumerateFiles(Path, "*.safetensors").Order(StringComparer.Ordinal),
        ];

    public override string Name => RepositoryName.Of(Path);

    public override string SettingsHash()
    {
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(System.IO.File.ReadAllBytes(Files[0])));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(Files[0], problem);
        }
    }

    public override GemmaConfig Config() => GemmaConfigReader.Read(Path, System.IO.Path.Combine(Path, ConfigFile ?? "config.json"));

    public override ModelTensors Open() => SafetensorsModel.Open(Path);

    public override Tokenizer Tokenizer() => Text.Tokenizer.Load(Path);

    public override ChatTemplate Template(string modelType, bool hasLayerEmbeddings = false) =>
        ChatTemplate.ForModel(Path, modelType, hasLayerEmbeddings);
}

/// <summary>A GGUF file, whose keys hold settings, vocabulary and chat template.</summary>
internal sealed record GgufOrigin(GgufFile File)
    : ModelOrigin(File.Path, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(File.Path))!)
{
    public override IReadOnlyList<string> Notes => [.. GgufVocabulary.Notes(File)];

    public override long WeightFileBytes => File.Bytes;

    public override bool HasChatTemplate =>
        new GgufVocabulary(File).ChatTemplate?.Source.Contains("messages", StringComparison.Ordinal) == true;

    public override IReadOnlyList<string> Files => File.Files;

    public override string Name =>
        RepositoryName.Of(Folder) is var repository && repository.Contains('/')
            ? repository
            : System.IO.Path.GetFileNameWithoutExtension(Path);

    // A repository may hold files of several models, and a file may be called model.gguf.
    public override IEnumerable<string> Names =>
        [
            System.IO.Path.GetFileNameWithoutExtension(Path),
            Name,
            .. File.Metadata.Text("general.name") is { } inside ? [inside] : (string[])[],
        ];

    public override string SettingsHash() => File.HeaderHash();

    public override GemmaConfig Config()
    {
        try
        {
            return GgufConfigReader.Read(File);
        }
        catch
        {
            File.Dispose();
            throw;
        }
    }

    public override ModelTensors Open() => new GgufModel(File);

    public override Tokenizer Tokenizer() => new GgufVocabulary(File).Tokenizer();

    public override ChatTemplate Template(string modelType, bool hasLayerEmbeddings = false)
    {
        var vocabulary = new GgufVocabulary(File);
        return ChatTemplate.ForModel(vocabulary.ChatTemplate, vocabulary.SpecialTokens, modelType, hasLayerEmbeddings);
    }
}
