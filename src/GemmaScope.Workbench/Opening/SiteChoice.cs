namespace GemmaScope.Workbench;

/// <summary>Where a dictionary is read, as a user says it: what its path and files do not say, or somewhere else than they say.</summary>
/// <param name="Layer">The layer it reads; null for that of its files.</param>
/// <param name="Site">The site it reads, in any of the three dialects, with or without the layer; null for that of its files.</param>
public readonly record struct SiteChoice(int? Layer = null, string? Site = null);
