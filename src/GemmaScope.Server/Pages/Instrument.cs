using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Store;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Pages;

/// <summary>The model in memory as pages use it: the dictionaries that texts can be read with, and the ways to read and to steer.</summary>
internal sealed class Instrument(ServerModel served, ModelQueue queue)
{
    private readonly TextReader _reader = new(served, queue);

    /// <summary>The model's name in addresses.</summary>
    public string Model { get; } = MicroscopeDictionary.ModelName(served.Name);

    /// <summary>All dictionaries, in the order in which they were given.</summary>
    public IReadOnlyList<MicroscopeDictionary> Dictionaries { get; } = MicroscopeDictionary.Of(served.Name, served.Dictionaries, served.Features);

    /// <summary>Dashboards of features, or null.</summary>
    public IFeatureDatabase? Database => served.Features;

    /// <summary>Normal and steered continuations.</summary>
    public Steering Steering { get; } = new(served, queue);

    /// <summary>The dictionary of a name, or the first.</summary>
    /// <exception cref="ProblemException">There is none of that name.</exception>
    public MicroscopeDictionary Dictionary(string? name) => name is null ? Dictionaries[0] : Dictionaries.FirstOrDefault(one => one.Name == name)
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no dictionary {name} here", $"This server reads with: {string.Join(", ", Dictionaries.Select(one => one.Name))}.", "dictionary");

    /// <summary>The dictionary in memory whose dashboards these are, or null.</summary>
    public MicroscopeDictionary? Of(StoredDictionary stored) => Dictionaries.FirstOrDefault(one => one.Stored?.Id == stored.Id);

    /// <summary>What a dictionary finds in a text.</summary>
    public Task<TextAnalysis> Read(MicroscopeDictionary dictionary, string text, HttpContext context) => _reader.Read(dictionary, text, Source(context), context.RequestAborted);

    /// <summary>Who asks, for the turns in the queue.</summary>
    public static string Source(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";
}
