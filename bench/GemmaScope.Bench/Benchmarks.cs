namespace GemmaScope.Bench;

/// <summary>Benchmarks of <c>gemmascope bench</c>.</summary>
public static class Benchmarks;
